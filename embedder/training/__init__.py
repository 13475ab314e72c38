"""From labelled pictures to a saved model. The only folder that imports TensorFlow."""
