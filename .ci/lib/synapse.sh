# Sourced: a Synapse server beside ours, in a virtual environment, and the
# certificate authority that both trust.

synapse_version=1.163.2

# authority_make DIR makes DIR/ca.crt and DIR/ca.key.
authority_make() {
	mkdir -p "$1"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=acceptance' \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
		-keyout "$1/key.pem" -out "$1/ca.crt" 2>/dev/null
	openssl rsa -in "$1/key.pem" -traditional -out "$1/ca.key" 2>/dev/null
}

# synapse_install DIR puts Synapse into the virtual environment DIR.
synapse_install() {
	[ -x "$1/bin/synapse_homeserver" ] && return
	python3 -m venv "$1"
	"$1/bin/pip" install --quiet "matrix-synapse==$synapse_version"
}

# synapse_write SCRIPT ENVIRONMENT DATA CA PORT FEDERATION-PORT
synapse_write() {
	local script=$1 environment=$2 data=$3 ca=$4 port=$5 federation=$6
	mkdir -p "$data"
	openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$data/tls.key" -out "$data/tls.csr" 2>/dev/null
	openssl x509 -req -in "$data/tls.csr" -CA "$ca/ca.crt" -CAkey "$ca/key.pem" -days 2 \
		-extfile <(printf 'subjectAltName=DNS:localhost') -out "$data/tls.crt" 2>/dev/null
	cat >"$data/log.yaml" <<-EOF
		version: 1
		formatters: {plain: {format: '%(asctime)s %(levelname)s %(name)s %(message)s'}}
		handlers: {file: {class: logging.FileHandler, filename: "$data/synapse.log", formatter: plain}}
		root: {level: WARNING, handlers: [file]}
	EOF
	cat >"$data/homeserver.yaml" <<-EOF
		server_name: "localhost:$federation"
		report_stats: false
		pid_file: "$data/pid"
		signing_key_path: "$data/signing.key"
		media_store_path: "$data/media"
		log_config: "$data/log.yaml"
		database: {name: sqlite3, args: {database: "$data/homeserver.db"}}
		listeners:
		  - {port: $port, bind_addresses: ['127.0.0.1'], type: http, tls: false, resources: [{names: [client]}]}
		  - {port: $federation, bind_addresses: ['127.0.0.1'], type: http, tls: true, resources: [{names: [federation, keys, media]}]}
		tls_certificate_path: "$data/tls.crt"
		tls_private_key_path: "$data/tls.key"
		federation_custom_ca_list: ["$ca/ca.crt"]
		ip_range_blacklist: []
		federation_ip_range_blacklist: []
		trusted_key_servers: []
		suppress_key_server_warning: true
		enable_registration: true
		enable_registration_without_verification: true
		allow_public_rooms_over_federation: true
		presence: {enabled: true}
		bcrypt_rounds: 4
		macaroon_secret_key: acceptance
		registration_shared_secret: acceptance
		rc_message: {per_second: 1000, burst_count: 1000}
		rc_registration: {per_second: 1000, burst_count: 1000}
		rc_login: {address: {per_second: 1000, burst_count: 1000}, account: {per_second: 1000, burst_count: 1000}, failed_attempts: {per_second: 1000, burst_count: 1000}}
		rc_joins: {local: {per_second: 1000, burst_count: 1000}, remote: {per_second: 1000, burst_count: 1000}}
		rc_joins_per_room: {per_second: 1000, burst_count: 1000}
		rc_invites: {per_room: {per_second: 1000, burst_count: 1000}, per_user: {per_second: 1000, burst_count: 1000}, per_issuer: {per_second: 1000, burst_count: 1000}}
		rc_federation: {window_size: 1000, sleep_limit: 1000, sleep_delay: 1, reject_limit: 1000, concurrent: 50}
		rc_key_requests: {per_second: 1000, burst_count: 1000}
		rc_room_creation: {per_second: 1000, burst_count: 1000}
		rc_presence: {per_user: {per_second: 1000, burst_count: 1000}}
		federation: {destination_min_retry_interval: 1s, destination_max_retry_interval: 2s}
	EOF
	"$environment/bin/python" -m synapse.app.homeserver -c "$data/homeserver.yaml" --generate-keys >/dev/null
	printf "#!/bin/sh\nexec '%s' -m synapse.app.homeserver -c '%s'\n" "$environment/bin/python" "$data/homeserver.yaml" >"$script"
	chmod +x "$script"
	printf 'http://127.0.0.1:%s' "$port" >"$script.url"
}
