"""tf.data: volumes in, batches of training patches out."""
