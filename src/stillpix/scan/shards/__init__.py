"""Shards: photos of one body, added up in parts, on any number of machines, and merged.

The maps have the same bits as those of one scan over all photos. Never starts a program, and never
speaks to a queue: `plans` cuts, `running` adds one shard up, and `merging` makes maps of all.
"""
