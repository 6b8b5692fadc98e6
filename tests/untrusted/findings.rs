//! What was found by breaking files, each as the smallest file that shows it.
