"""What `calibrating` puts together: what was asked, the point it gives, the words about it."""
