// Kafka: the protocol's client, in Swift types. `KafkaConfiguration` says how to reach a cluster, `KafkaProducer` sends,
// `KafkaConsumer` receives in batches whose bytes are not copied, `KafkaAdmin` makes and describes topics.
//
// It is librdkafka (1.x or 2.x) underneath, opened when first needed (`KafkaLibrary`), and nothing above imports it.
// Its log lines never reach the terminal: `KafkaJournal` keeps the last of them, and errors quote them. What this room
// is not: it knows no table, keeps no position (those are the reader's) and never commits an offset by itself.
