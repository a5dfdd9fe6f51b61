"""The embedded demo model and everything that makes it: scenes, captions, renderer and training.

Nothing here is imported by the studio; it reads only the finished folder `demo/model`.
"""
