"""What each photo says of each pixel, summed; never decides what is broken."""
