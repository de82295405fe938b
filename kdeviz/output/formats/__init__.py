"""Models in the files of other programs, each compared with the original before it is handed out."""
