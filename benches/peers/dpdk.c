/* DPDK's hash table and classifier behind a few plain functions. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_hash.h>

int weir_dpdk_init(unsigned megabytes)
{
	char memory[16];
	snprintf(memory, sizeof memory, "%u", megabytes);
	char *arguments[] = { "bench", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "--log-level=1",
			      "-l", "0", "-m", memory, NULL };
	/* EAL pins the calling thread: the caller undoes it. */
	return rte_eal_init(10, arguments) < 0 ? rte_errno : 0;
}

/* The lock-free variant; keys of 16 bytes. */
void *weir_dpdk_hash(const char *name, uint32_t entries)
{
	struct rte_hash_parameters parameters = {
		.name = name,
		.entries = entries,
		.key_len = 16,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
	};
	return rte_hash_create(&parameters);
}

int weir_dpdk_hash_add(void *table, const void *key, uint64_t value)
{
	return rte_hash_add_key_data(table, key, (void *)value);
}

/* Looks up `count` keys, a multiple of 32, which lie one after the other: adds up values, returns hits. */
uint64_t weir_dpdk_hash_bulk(const void *table, const uint8_t *keys, uint64_t count, uint64_t *sum)
{
	uint64_t hits = 0, total = 0;
	for (uint64_t i = 0; i < count; i += 32) {
		const void *pointers[32];
		void *data[32];
		uint64_t mask = 0;
		for (int j = 0; j < 32; j++)
			pointers[j] = keys + (i + j) * 16;
		rte_hash_lookup_bulk_data(table, pointers, 32, &mask, data);
		hits += __builtin_popcountll(mask);
		if (mask == 0xffffffff) {
			for (int j = 0; j < 32; j++)
				total += (uint64_t)data[j];
		} else {
			for (int j = 0; j < 32; j++)
				if (mask >> j & 1)
					total += (uint64_t)data[j];
		}
	}
	*sum = total;
	return hits;
}

void weir_dpdk_hash_free(void *table)
{
	rte_hash_free(table);
}
