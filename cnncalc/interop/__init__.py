"""What goes to other programs and comes from them. Their packages are imported when they are needed."""
