"""The local page: photos in, a judged map and repaired photos out, in a browser on this computer.

Never finds or repairs anything itself: it calls what the command line calls. Never listens on any
but the loopback address, and is imported only by `stillpix serve`.
"""
