"""The words everybody shares: requests, engine messages, configuration, errors. Standard library only."""

__version__ = "0.1.0"
