// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), chosen at load time: three interleaved streams of the SSE4.2
// instruction, which hide its latency of three cycles, or eight table look-ups at a time.
#include "CKernels.h"
#include <string.h>

#define POLYNOMIAL 0x82F63B78u
// Bytes per stream in one interleaved round. A multiple of 64; the shift table below is built for it.
#define STREAM 1024

static uint32_t table[8][256];
// shift[k][b]: what byte k of a CRC becomes after STREAM further zero bytes.
static uint32_t shift[4][256];

static uint32_t table_update(uint32_t crc, const uint8_t *p, size_t n) {
  while (n >= 8) {
    uint32_t low, high;
    memcpy(&low, p, 4);
    memcpy(&high, p + 4, 4);
    low ^= crc;
    crc = table[7][low & 255] ^ table[6][(low >> 8) & 255] ^ table[5][(low >> 16) & 255] ^ table[4][low >> 24] ^
          table[3][high & 255] ^ table[2][(high >> 8) & 255] ^ table[1][(high >> 16) & 255] ^ table[0][high >> 24];
    p += 8;
    n -= 8;
  }
  while (n--) crc = table[0][(crc ^ *p++) & 255] ^ (crc >> 8);
  return crc;
}

#if defined(__x86_64__)
static inline uint32_t shifted(uint32_t crc) {
  return shift[0][crc & 255] ^ shift[1][(crc >> 8) & 255] ^ shift[2][(crc >> 16) & 255] ^ shift[3][crc >> 24];
}

static inline uint64_t word(const uint8_t *p) {
  uint64_t value;
  memcpy(&value, p, 8);
  return value;
}

__attribute__((target("sse4.2"))) static uint32_t hardware_update(uint32_t crc, const uint8_t *p, size_t n) {
  while (n >= 3 * STREAM) {
    uint64_t a = crc, b = 0, c = 0;
    for (size_t line = 0; line < STREAM; line += 64) {
      // The processor looks ahead along none of three streams, and along one only to the end of a page. An address past
      // the bytes harms nobody: nothing is read there.
      const uintptr_t ahead = (uintptr_t)p + 4096 + 3 * line;
      __builtin_prefetch((const void *)ahead);
      __builtin_prefetch((const void *)(ahead + 64));
      __builtin_prefetch((const void *)(ahead + 128));
      for (size_t i = line; i < line + 64; i += 8) {
        a = __builtin_ia32_crc32di(a, word(p + i));
        b = __builtin_ia32_crc32di(b, word(p + STREAM + i));
        c = __builtin_ia32_crc32di(c, word(p + 2 * STREAM + i));
      }
    }
    crc = shifted(shifted((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
    p += 3 * STREAM;
    n -= 3 * STREAM;
  }
  uint64_t wide = crc;
  while (n >= 8) {
    wide = __builtin_ia32_crc32di(wide, word(p));
    p += 8;
    n -= 8;
  }
  crc = (uint32_t)wide;
  while (n--) crc = __builtin_ia32_crc32qi(crc, *p++);
  return crc;
}
#endif

static uint32_t (*update)(uint32_t, const uint8_t *, size_t) = table_update;

__attribute__((constructor)) static void prepare(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1)));
    table[0][byte] = crc;
  }
  for (int k = 1; k < 8; k++)
    for (int byte = 0; byte < 256; byte++)
      table[k][byte] = (table[k - 1][byte] >> 8) ^ table[0][table[k - 1][byte] & 255];
  // A CRC is linear: shift each of its 32 bits over STREAM zero bytes, then combine by byte.
  uint32_t bits[32];
  for (int bit = 0; bit < 32; bit++) {
    uint32_t crc = 1u << bit;
    for (int i = 0; i < STREAM; i++) crc = table[0][crc & 255] ^ (crc >> 8);
    bits[bit] = crc;
  }
  for (int k = 0; k < 4; k++)
    for (int byte = 0; byte < 256; byte++) {
      uint32_t crc = 0;
      for (int bit = 0; bit < 8; bit++)
        if (byte >> bit & 1) crc ^= bits[8 * k + bit];
      shift[k][byte] = crc;
    }
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2")) update = hardware_update;
#endif
}

uint32_t ph_crc32c(uint32_t seed, const void *bytes, size_t count) { return ~update(~seed, bytes, count); }

uint32_t ph_crc32c_table(uint32_t seed, const void *bytes, size_t count) { return ~table_update(~seed, bytes, count); }
