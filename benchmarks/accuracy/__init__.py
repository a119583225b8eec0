"""The proving ground: stillpix, rival methods and ablations, side by side on the same photos.

Simulated cameras only, whose defects are known. Never part of the installed package.
"""
