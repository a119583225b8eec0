"""What the tests stand on: photos, cameras, naive twins, and ways to run and to stop programs."""
