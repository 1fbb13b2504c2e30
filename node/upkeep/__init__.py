"""Looking after a store from outside: is it whole, what may go, how it moves to another place."""
