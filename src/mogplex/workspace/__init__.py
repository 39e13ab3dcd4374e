"""Git, on the trusted side only: mirrors, checkouts, patches, delivery.

Trusted code here never opens a path below a tree that an agent could write to; what an agent made comes back as a pack
on a pipe out of a second sandbox and is checked before anything reads it.
"""
