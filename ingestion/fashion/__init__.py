"""What the fashion shop is made of: photographed products that are real, shoppers that are simulated."""
