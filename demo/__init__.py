"""The embedded demo model and everything that makes it: scenes, captions, renderer, training and evaluation.

Nothing here is imported by the studio; it reads only the finished folder `demo/model`.
"""
