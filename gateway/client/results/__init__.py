"""What a gateway answers, as frozen types. Fields that a newer gateway adds are passed over. Times are Unix times in
seconds, money is micro-USD, releases are named by their digests."""
