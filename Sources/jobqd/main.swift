print("jobqd")
