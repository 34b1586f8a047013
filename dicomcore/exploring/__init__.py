"""What the archive holds as a whole: an overview in pictures, cohorts, and SQL; each as one visitor may see it."""
