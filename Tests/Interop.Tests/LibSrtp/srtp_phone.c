/*
 * The media of a phone on top of libsrtp2, which shares no line with the code under test: AES_CM_128_HMAC_SHA1_80, several keys told apart by MKI, PCMU.
 *
 * build: gcc -O2 -Wall -o srtp_phone srtp_phone.c -lsrtp2 -lm
 * usage: srtp_phone PORT REMOTE_PORT TONE_HZ OUT.wav          keys come on the standard input, never on the command line:
 *   send MKI B64            what it sends with (MKI: 8 hexadecimal digits, or - for none)
 *   keys MKI B64 ...        what it opens with, all of them; ROC and replay windows go on (srtp_update)
 *   end
 * A packet that no key opens is 20 ms of silence in the recording. Prints "stats opened=N bad_mki=N auth_fail=N replay=N other=N ssrcs=N".
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <srtp2/srtp.h>

#define MAX_KEYS 16
#define KEY 30
#define FRAME 160

struct keys {
	unsigned char key[MAX_KEYS][KEY], mki[MAX_KEYS][4];
	srtp_master_key_t master[MAX_KEYS], *all[MAX_KEYS];
	int count, with_mki;
};

static struct keys sending, opening;
static srtp_t out, in;
static FILE *wav;
static unsigned opened, bad_mki, auth_fail, replay, other, ssrcs, seen[16];

static void die(const char *what, int code) { fprintf(stderr, "%s: %d\n", what, code); exit(1); }

static int base64(const char *text, unsigned char *to)
{
	static const char *set = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, value = 0; int n = 0;
	for (; *text && *text != '='; text++) {
		const char *p = strchr(set, *text);
		if (!p) return -1;
		value = value << 6 | (unsigned)(p - set); bits += 6;
		if (bits >= 8) { bits -= 8; if (n == KEY) return -1; to[n++] = value >> bits; }
	}
	return n;
}

static void read_keys(struct keys *k, char *line)
{
	char *mki, *key;
	k->count = k->with_mki = 0;
	while ((mki = strtok(line, " ")) && (key = strtok(NULL, " "))) {
		int i = k->count++;
		line = NULL;
		if (base64(key, k->key[i]) != KEY) die("bad key", i);
		k->master[i].key = k->key[i]; k->master[i].mki_id = k->mki[i]; k->master[i].mki_size = 0;
		if (strcmp(mki, "-")) {
			unsigned v = strtoul(mki, NULL, 16);
			k->mki[i][0] = v >> 24; k->mki[i][1] = v >> 16; k->mki[i][2] = v >> 8; k->mki[i][3] = v;
			k->master[i].mki_size = 4; k->with_mki = 1;
		}
		k->all[i] = &k->master[i];
	}
}

static void policy(srtp_policy_t *p, struct keys *k, srtp_ssrc_type_t type)
{
	memset(p, 0, sizeof *p);
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p->rtp);
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p->rtcp);
	p->ssrc.type = type; p->window_size = 1024;
	p->keys = k->all; p->num_master_keys = k->count;
}

static void use(char *line)
{
	srtp_policy_t p; int e;
	if (!strncmp(line, "send ", 5)) {
		read_keys(&sending, line + 5); policy(&p, &sending, ssrc_any_outbound);
		if ((e = out ? srtp_update(out, &p) : srtp_create(&out, &p))) die("send", e);
	} else if (!strncmp(line, "keys ", 5)) {
		read_keys(&opening, line + 5); policy(&p, &opening, ssrc_any_inbound);
		if ((e = in ? srtp_update(in, &p) : srtp_create(&in, &p))) die("keys", e);
	}
}

static unsigned char to_ulaw(int x)
{
	int sign = x < 0 ? 0x80 : 0, e = 7, mask = 0x4000;
	if (x < 0) x = -x;
	if (x > 32635) x = 32635;
	for (x += 0x84; e > 0 && !(x & mask); mask >>= 1) e--;
	return ~(sign | e << 4 | ((x >> (e + 3)) & 15));
}

static short from_ulaw(unsigned char u)
{
	int x;
	u = ~u; x = (((u & 15) << 3) + 0x84) << ((u >> 4) & 7);
	return (u & 0x80) ? 0x84 - x : x - 0x84;
}

static void receive(unsigned char *packet, int length)
{
	short samples[FRAME] = { 0 };
	int e, i;
	/* RTCP comes with the RTP; nobody looks at it here. */
	if (!in || length < 12 || (packet[1] >= 192 && packet[1] <= 223)) return;
	e = srtp_unprotect_mki(in, packet, &length, opening.with_mki);
	if (e == srtp_err_status_ok) {
		unsigned ssrc = ntohl(*(unsigned *)(packet + 8));
		int header = 12 + 4 * (packet[0] & 15);
		if (packet[0] & 16) header += 4 + 4 * ntohs(*(unsigned short *)(packet + header + 2));
		for (i = 0; i < (int)ssrcs && seen[i] != ssrc; i++);
		if (i == (int)ssrcs && ssrcs < 16) seen[ssrcs++] = ssrc;
		opened++;
		for (i = 0; i < FRAME && header + i < length; i++) samples[i] = from_ulaw(packet[header + i]);
	} else if (e == srtp_err_status_replay_fail || e == srtp_err_status_replay_old) { replay++; return; }
	else if (e == srtp_err_status_bad_mki) bad_mki++;
	else if (e == srtp_err_status_auth_fail) auth_fail++;
	else other++;
	fwrite(samples, 2, FRAME, wav);
}

static void header(unsigned bytes)
{
	unsigned char h[44] = "RIFF....WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data";
	unsigned riff = bytes + 36;
	memcpy(h + 4, &riff, 4); memcpy(h + 40, &bytes, 4);
	fseek(wav, 0, SEEK_SET); fwrite(h, 1, 44, wav);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET }, there = { .sin_family = AF_INET };
	struct timespec now;
	unsigned sequence = 100, at = 0;
	long long next;
	static char line[4096];
	static unsigned char packet[2048];
	int s, used = 0, done = 0;

	if (argc != 5 || srtp_init()) return 2;
	here.sin_port = htons(atoi(argv[1])); there.sin_port = htons(atoi(argv[2]));
	here.sin_addr.s_addr = there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(s, (struct sockaddr *)&here, sizeof here)) die("bind", here.sin_port);
	if (!(wav = fopen(argv[4], "w+b"))) die(argv[4], 0);
	header(0);
	fcntl(0, F_SETFL, O_NONBLOCK);
	clock_gettime(CLOCK_MONOTONIC, &now);
	next = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
	while (!done) {
		struct pollfd fds[2] = { { .fd = s, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
		long long wait;
		int n;
		clock_gettime(CLOCK_MONOTONIC, &now);
		wait = next - (now.tv_sec * 1000LL + now.tv_nsec / 1000000);
		poll(fds, 2, wait > 0 ? wait : 0);
		/* Keys first: what came with them is opened by them. */
		if (fds[1].revents) {
			char *end;
			n = read(0, line + used, sizeof line - 1 - used);
			if (n <= 0) break;
			line[used += n] = 0;
			while ((end = strchr(line, '\n'))) {
				*end = 0;
				if (!strcmp(line, "end")) done = 1; else use(line);
				used -= end + 1 - line; memmove(line, end + 1, used + 1);
			}
		}
		while ((n = recv(s, packet, sizeof packet, MSG_DONTWAIT)) > 0) receive(packet, n);
		clock_gettime(CLOCK_MONOTONIC, &now);
		for (; out && next <= now.tv_sec * 1000LL + now.tv_nsec / 1000000; next += 20) {
			int i, length = 12 + FRAME;
			unsigned char *p = packet;
			p[0] = 0x80; p[1] = 0; p[2] = sequence >> 8; p[3] = sequence; sequence++;
			p[4] = at >> 24; p[5] = at >> 16; p[6] = at >> 8; p[7] = at; p[8] = 0x5e; p[9] = 0x7b; p[10] = here.sin_port; p[11] = here.sin_port >> 8;
			for (i = 0; i < FRAME; i++) p[12 + i] = to_ulaw(8000 * sin(2 * M_PI * atof(argv[3]) * (at + i) / 8000.0));
			at += FRAME;
			if (srtp_protect_mki(out, p, &length, sending.with_mki, 0)) die("protect", 0);
			sendto(s, p, length, 0, (struct sockaddr *)&there, sizeof there);
		}
		if (!out) next = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + 5;
	}
	fseek(wav, 0, SEEK_END);
	header(ftell(wav) - 44);
	fclose(wav);
	printf("stats opened=%u bad_mki=%u auth_fail=%u replay=%u other=%u ssrcs=%u\n", opened, bad_mki, auth_fail, replay, other, ssrcs);
	return 0;
}
