"""All that touches torch: load the model, draw a picture step by step, bind styles. Nothing else in the studio does."""
