"""What reports share: documents as HTML and Markdown, charts, slices as pictures."""
