"""Where photos and their labels come from: folders and tables, read into one listing."""
