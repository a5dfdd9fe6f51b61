"""LoRA styles: read a file, check it against the model, bind it to the transformer and off again."""
