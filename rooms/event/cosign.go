package event

// Cosign returns p with the signature of s beside those that it has. Its id
// stays the same.
//
// Spec: server-server-api#validating-hashes-and-signatures-on-received-events
func Cosign(p *PDU, s *Signer) (*PDU, error) {
	signature := base64Bytes.EncodeToString(s.Sign(appendSigned(nil, p.Rules, p.JSON)))
	return withSignature(p, s.server, s.keyID, signature)
}
