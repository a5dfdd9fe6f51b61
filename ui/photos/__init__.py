"""The Photos page: photos in, one style over all of them, pictures out. One component; it asks web/photos.py itself."""
