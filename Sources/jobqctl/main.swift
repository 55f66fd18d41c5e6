print("jobqctl")
