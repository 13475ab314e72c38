"""Large uploads, checked in the background by a process of their own."""
