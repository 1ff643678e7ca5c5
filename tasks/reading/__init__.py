"""What a model's words mean: amounts of money, options, traits."""
