"""What is done to a training photo: crops, augmentation, progressive sizes."""
