"""What brings conversations, and what remembers them."""
