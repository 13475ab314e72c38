"""What a gallery holds, and whether it is sound: `likewise info` and `likewise doctor`."""
