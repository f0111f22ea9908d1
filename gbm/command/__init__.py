"""What is typed: the workflow run and watched from any folder, and its pages made again."""
