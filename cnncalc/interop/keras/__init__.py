"""Keras: configurations are read without Keras, and models written as text."""
