"""What is kept between runs and can be made again: decoded photos, scans, decisions."""
