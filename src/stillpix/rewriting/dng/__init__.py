"""DNG files written: their own list of bad pixels, single values of their mosaic, and new ones.

Adobe's Digital Negative specification 1.7. Bytes in, bytes out: never opens a file, never decides
which pixel is broken or what should stand there, and never moves what a file holds.
"""
