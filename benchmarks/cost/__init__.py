"""What a step costs: engine, methods, memory."""
