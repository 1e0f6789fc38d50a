"""What the policy fuzz is made of."""
