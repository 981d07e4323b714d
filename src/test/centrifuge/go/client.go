// A client with Centrifugo's SDK: runs each line of its input as a command, and prints a line for each event. Without a
// token as an argument, it connects with the first one of its input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

var channels = map[string]*centrifuge.Subscription{}
var token atomic.Value

func obey(client *centrifuge.Client, action, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch action {
	case "subscribe":
		return subscribe(client, name)
	case "unsubscribe":
		return channels[name].Unsubscribe()
	case "history":
		result, err := channels[name].History(ctx, centrifuge.WithHistoryLimit(10))
		if err != nil {
			return err
		}
		data := []json.RawMessage{}
		for _, publication := range result.Publications {
			data = append(data, publication.Data)
		}
		text, err := json.Marshal(data)
		fmt.Println("history", name, string(text))
		return err
	case "presence":
		stats, err := channels[name].PresenceStats(ctx)
		if err == nil {
			fmt.Println("presence", name, stats.NumClients, stats.NumUsers)
		}
		return err
	case "token":
		if token.Swap(name) == nil {
			return client.Connect()
		}
		return nil
	case "publish":
		_, err := client.Publish(ctx, name, []byte("{}"))
		return err
	}
	return errors.New("unknown action " + action)
}

func subscribe(client *centrifuge.Client, name string) error {
	subscription, err := client.NewSubscription(name, centrifuge.SubscriptionConfig{
		MinResubscribeDelay: 50 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	channels[name] = subscription
	subscription.OnSubscribing(func(e centrifuge.SubscribingEvent) { fmt.Println("subscribing", name, e.Code) })
	subscription.OnSubscribed(func(e centrifuge.SubscribedEvent) {
		fmt.Println("subscribed", name, e.WasRecovering, e.Recovered)
	})
	subscription.OnUnsubscribed(func(e centrifuge.UnsubscribedEvent) { fmt.Println("unsubscribed", name, e.Code) })
	subscription.OnPublication(func(e centrifuge.PublicationEvent) {
		fmt.Println("publication", name, string(e.Data))
	})
	return subscription.Subscribe()
}

func main() {
	client := centrifuge.NewJsonClient(os.Args[1], centrifuge.Config{
		GetToken:           func(centrifuge.ConnectionTokenEvent) (string, error) { return token.Load().(string), nil },
		MinReconnectDelay:  50 * time.Millisecond,
		MaxReconnectDelay:  500 * time.Millisecond,
		MaxServerPingDelay: 2 * time.Second,
	})
	client.OnConnecting(func(e centrifuge.ConnectingEvent) { fmt.Println("connecting", e.Code) })
	client.OnConnected(func(e centrifuge.ConnectedEvent) { fmt.Println("connected", e.ClientID) })
	client.OnDisconnected(func(e centrifuge.DisconnectedEvent) { fmt.Println("disconnected", e.Code) })
	client.OnSubscribed(func(e centrifuge.ServerSubscribedEvent) {
		fmt.Println("own", e.Channel, e.WasRecovering, e.Recovered)
	})
	client.OnPublication(func(e centrifuge.ServerPublicationEvent) {
		fmt.Println("publication", e.Channel, string(e.Data))
	})
	if len(os.Args) < 3 {
		fmt.Println("ready")
	} else if err := obey(client, "token", os.Args[2]); err != nil {
		fmt.Println("not connected:", err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if err := obey(client, words[0], words[1]); err != nil {
			var refusal *centrifuge.Error
			if errors.As(err, &refusal) {
				fmt.Println("refused", words[0], refusal.Code)
			} else {
				fmt.Println("failed", words[0], err)
			}
		}
	}
}
