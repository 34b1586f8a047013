"""What is packed in ZIP, tar and gzip files, a line each. Nothing is ever written under a name from in there."""
