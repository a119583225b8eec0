"""What the sums say: which pixels stand out, how sure that is, since when; never sees a photo."""
