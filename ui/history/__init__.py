"""The History page: a gallery of all that was made, one picture in detail, and several compared.

One component draws it, from the scripts beside this file; it asks web/history.py for what it shows.
"""
