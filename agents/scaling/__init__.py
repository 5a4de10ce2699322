"""What training costs on machines that are not here: memory, messages and time by formulas, without torch."""
