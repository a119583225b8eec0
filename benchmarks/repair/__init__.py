"""How near repairs come to the undamaged photo: stillpix beside other ways to fill a place.

Simulated cameras only, each photo taken twice: once by the broken sensor, once by the same sensor
made whole. Never part of the installed package.
"""
