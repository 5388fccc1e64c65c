package httpx

// Rate is a class of routes whose requests are counted together.
type Rate int

// The classes of routes.
const (
	NoLimit Rate = iota
	RateDefault
	RateLogin
	RateRegister
	RateMessage
	RateJoin
	RateInvite
	RateMedia
	RateSearch
	RatePreview
	RateAdmin
	RateDelayed

	rateCount
)

// String returns the name of the class in the configuration.
func (r Rate) String() string {
	names := [rateCount]string{"none", "default", "login", "register", "message", "join", "invite", "media", "search", "preview", "admin", "delayed"}
	if r < 0 || r >= rateCount {
		return "unknown"
	}
	return names[r]
}

// Limit is how often one caller may ask: Burst requests at once, refilled at
// PerSecond. A Limit that is not positive in both means no limit.
type Limit struct {
	PerSecond float64
	Burst     int
}

// DefaultLimits returns limits that people with several devices and busy rooms
// do not notice, and that make guessing passwords and flooding slow.
func DefaultLimits() map[Rate]Limit {
	return map[Rate]Limit{
		RateDefault:  {PerSecond: 50, Burst: 200},
		RateLogin:    {PerSecond: 0.2, Burst: 10},
		RateRegister: {PerSecond: 0.1, Burst: 5},
		RateMessage:  {PerSecond: 10, Burst: 50},
		RateJoin:     {PerSecond: 1, Burst: 20},
		RateInvite:   {PerSecond: 0.5, Burst: 20},
		RateMedia:    {PerSecond: 20, Burst: 100},
		RateSearch:   {PerSecond: 2, Burst: 20},
		RatePreview:  {PerSecond: 1, Burst: 40},
		RateAdmin:    {PerSecond: 20, Burst: 100},
		RateDelayed:  {PerSecond: 100, Burst: 500},
	}
}
