#pragma once
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stddef.h>

// The client library is not linked but opened when Kafka is first asked for: it brings TLS, SASL and others along,
// which would cost every start of the program, of plain SQL too, a millisecond.

#define PH_RDKAFKA_FUNCTIONS(F) \
  F(rd_kafka_version_str) F(rd_kafka_err2str) F(rd_kafka_err2name) F(rd_kafka_last_error) F(rd_kafka_fatal_error) \
  F(rd_kafka_conf_new) F(rd_kafka_conf_destroy) F(rd_kafka_conf_set) F(rd_kafka_conf_set_opaque) \
  F(rd_kafka_conf_set_log_cb) F(rd_kafka_conf_set_error_cb) F(rd_kafka_conf_set_connect_cb) F(rd_kafka_conf_set_dr_msg_cb) \
  F(rd_kafka_new) F(rd_kafka_destroy) F(rd_kafka_destroy_flags) \
  F(rd_kafka_opaque) F(rd_kafka_poll) F(rd_kafka_flush) F(rd_kafka_purge) F(rd_kafka_outq_len) \
  F(rd_kafka_topic_new) F(rd_kafka_topic_name) F(rd_kafka_topic_destroy) F(rd_kafka_produce_batch) \
  F(rd_kafka_poll_set_consumer) F(rd_kafka_queue_get_consumer) F(rd_kafka_queue_new) F(rd_kafka_queue_poll) \
  F(rd_kafka_queue_destroy) F(rd_kafka_consume_batch_queue) F(rd_kafka_message_destroy) \
  F(rd_kafka_message_timestamp) \
  F(rd_kafka_assign) F(rd_kafka_consumer_close_queue) F(rd_kafka_consumer_closed) \
  F(rd_kafka_commit) F(rd_kafka_committed) \
  F(rd_kafka_pause_partitions) F(rd_kafka_resume_partitions) F(rd_kafka_seek_partitions) \
  F(rd_kafka_query_watermark_offsets) F(rd_kafka_topic_partition_list_new) F(rd_kafka_topic_partition_list_add) \
  F(rd_kafka_topic_partition_list_destroy) F(rd_kafka_error_code) F(rd_kafka_error_destroy) F(rd_kafka_metadata) \
  F(rd_kafka_metadata_destroy) F(rd_kafka_list_groups) F(rd_kafka_group_list_destroy) F(rd_kafka_NewTopic_new) \
  F(rd_kafka_NewTopic_set_config) F(rd_kafka_NewTopic_destroy) F(rd_kafka_CreateTopics) \
  F(rd_kafka_event_CreateTopics_result) F(rd_kafka_CreateTopics_result_topics) F(rd_kafka_DeleteTopic_new) \
  F(rd_kafka_DeleteTopic_destroy) F(rd_kafka_DeleteTopics) F(rd_kafka_event_DeleteTopics_result) \
  F(rd_kafka_DeleteTopics_result_topics) F(rd_kafka_NewPartitions_new) F(rd_kafka_NewPartitions_destroy) \
  F(rd_kafka_CreatePartitions) F(rd_kafka_event_CreatePartitions_result) F(rd_kafka_CreatePartitions_result_topics) \
  F(rd_kafka_topic_result_error) F(rd_kafka_topic_result_error_string) F(rd_kafka_AdminOptions_new) \
  F(rd_kafka_AdminOptions_destroy) F(rd_kafka_AdminOptions_set_request_timeout) F(rd_kafka_event_error) \
  F(rd_kafka_event_error_string) F(rd_kafka_event_destroy) F(rd_kafka_mock_cluster_new) \
  F(rd_kafka_mock_cluster_destroy) F(rd_kafka_mock_cluster_bootstraps) F(rd_kafka_mock_topic_create) \
  F(rd_kafka_mock_push_request_errors_array) F(rd_kafka_mock_broker_set_down) F(rd_kafka_mock_broker_set_up)

/// The functions of the client library that we call, by their own names.
struct ph_rdkafka {
#define PH_FIELD(name) __typeof__(name) *_Nonnull name;
  PH_RDKAFKA_FUNCTIONS(PH_FIELD)
#undef PH_FIELD
};

/// Opens the client library and finds its functions. Returns NULL, or what is missing.
static inline const char *_Nullable ph_rdkafka_open(struct ph_rdkafka *_Nonnull library) {
  void *handle = dlopen("librdkafka.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) return dlerror();
#define PH_FIND(name) \
  { \
    void *found = dlsym(handle, #name); \
    if (found == NULL) return "it has no function " #name; \
    library->name = (__typeof__(name) *)found; \
  }
  PH_RDKAFKA_FUNCTIONS(PH_FIND)
#undef PH_FIND
  return NULL;
}
