"""What runs in a browser: the page that explains a network, its data, and how both become one file."""
