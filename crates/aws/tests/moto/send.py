"""Makes a bucket that tells a queue of its objects, puts objects, and prints the queue's URL."""

import sys

import boto3

endpoint = sys.argv[1]
settings = dict(
    endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
)
s3, sqs = boto3.client("s3", **settings), boto3.client("sqs", **settings)
s3.create_bucket(Bucket="logs")
folder = "AWSLogs/111111111111/CloudTrail/us-east-1/"


def put(key):
    s3.put_object(Bucket="logs", Key=key, Body=key.encode() * 100)


# Before anybody tells: only a walk finds them.
for day in range(1, 6):
    put(f"{folder}2024/01/{day:02}/early.json.gz")
queue = sqs.create_queue(QueueName="notices", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
s3.put_bucket_notification_configuration(
    Bucket="logs",
    NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
)
for n in range(25):
    put(f"{folder}2024/01/{1 + n % 5:02}/a b+c=ü&{n}.json.gz")
# Each notice again, as queues do.
seen = []
while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
    seen += messages
for message in seen:
    sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
print(queue)
