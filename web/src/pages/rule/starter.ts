// What a new rule begins as.
export const STARTER = `title: Logging of a trail stopped
id: 00000000-0000-4000-8000-000000000000
status: experimental
description: >-
  Say what this finds, why it matters, and when it is harmless.
author: Say who you are
tags:
  - attack.t1562.008
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    eventSource: cloudtrail.amazonaws.com
    eventName: StopLogging
  failed:
    skywarden.failed: true
  condition: selection and not failed
falsepositives:
  - Not known yet
level: high
`;
