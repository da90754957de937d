import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonDeserializer;
import com.google.gson.JsonParseException;
import com.google.gson.TypeAdapter;
import com.google.gson.annotations.JsonAdapter;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.reflect.Field;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.text.ParsePosition;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import java.util.function.Function;

/**
 * A program on Gson with the types that the old reports have: reads on standard input whom to ask
 * what, prints what it decoded. Each answer is decoded twice: by Gson as it comes, and by adapters
 * that also refuse what Gson lets pass (41.0 for an Integer, a text for a number, null).
 */
public class StrictClient {
    /** A field that an answer may leave out; or have null in, with an adapter of its own. */
    @Retention(RetentionPolicy.RUNTIME)
    @interface MayBeAbsent {}

    static class Tag {
        Long id;
        String name;
    }

    static class ColouredTag extends Tag {
        String color;
    }

    static class Happiness {
        Double ratingsPercent, okay, great, notGood, happinessScore;
        Integer okayCount, greatCount, notGoodCount;
        Integer ratingsCount, totalCustomersWithRatings, totalCustomers;
    }

    static class HappinessDeltas {
        Double okay, great, notGood, happinessScore, okayCount, greatCount, notGoodCount;
    }

    static class HappinessReport {
        Happiness current;
        @MayBeAbsent Happiness previous;
        @MayBeAbsent HappinessDeltas deltas;
    }

    static class UserHappinessReport extends HappinessReport {
        List<Tag> filterTags;
    }

    static class Rating {
        Integer number, ratingId;
        Long id, threadid, ratingCustomerId, ratingUserId;
        String type, ratingComments, ratingCustomerName, ratingUserName;
        Date threadCreatedAt, ratingCreatedAt;
    }

    static class Ratings {
        Integer pages, page, count;
        List<Rating> results;
    }

    static class User {
        Long id;
        Boolean hasPhoto;
        Date createdAt;
        String name;
        Integer totalCustomersHelped;

        @MayBeAbsent
        @JsonAdapter(Text.class)
        String photoUrl;
    }

    static class UserFigures {
        Date startDate, endDate;
        Integer totalDays, resolved, conversationsCreated, closed, totalReplies;
        Integer resolvedOnFirstReply, customersHelped, totalConversations;
        Integer responseTime, averageFirstResponseTime;
        Double percentResolvedOnFirstReply, repliesToResolve, handleTime, happinessScore;
        Double resolutionTime, repliesPerDay, conversationsPerDay;
    }

    static class CurrentUserFigures extends UserFigures {
        Integer busiestDay;
    }

    static class UserDeltas {
        Double resolved, conversationsCreated, closed, totalReplies, resolvedOnFirstReply;
        Double customersHelped, totalConversations, activeConversations, responseTime;
        Double repliesToResolve, handleTime, happinessScore, resolutionTime;
        Double repliesPerDay, conversationsPerDay;
    }

    static class UserReport {
        List<Tag> filterTags;
        User user;
        CurrentUserFigures current;
        @MayBeAbsent UserFigures previous;
        @MayBeAbsent UserDeltas deltas;
    }

    static class Series<P> {
        List<P> current;
        @MayBeAbsent List<P> previous;
    }

    static class Replies {
        Date date;
        Integer replies;
    }

    static class Customers {
        Date date;
        Integer customers;
    }

    static class Resolutions {
        Date date;
        Integer resolved;
    }

    static class Messages {
        Date date;
        Integer messages;
    }

    static class NewConversations {
        Date start;
        Integer count;
    }

    static class RepliesReport extends Series<Replies> {}

    static class CustomersReport extends Series<Customers> {}

    static class ResolutionsReport extends Series<Resolutions> {}

    static class MessagesReport extends Series<Messages> {}

    static class NewConversationsReport extends Series<NewConversations> {}

    static class Customer {
        Long id;
        String name;
    }

    static class Handled {
        Integer number, responseTime, firstResponseTime, resolveTime, repliesSent;
        Long id;
        String status;
        List<Customer> customers;
        Double avgHandleTime;
    }

    static class History {
        Integer pages, page, count;
        List<Handled> results;
    }

    static class Row {
        Long id, mailboxid, assignedid;
        Integer number, threadCount;
        String type, subject, status, preview, customerName, customerEmail;
        Boolean attachments;
        List<Long> customerIds;
        Date modifiedAt;
        @MayBeAbsent Date waitingSince;
        @MayBeAbsent Integer waitingSinceType;
        List<ColouredTag> tags;
        @MayBeAbsent String assignedName;
    }

    static class Rows {
        Integer pages, page, count;
        List<Row> results;
    }

    static class Drilldown {
        Rows conversations;
    }

    static class Invalid {
        String property, message;

        @MayBeAbsent
        @JsonAdapter(Text.class)
        String value;
    }

    static class Failure {
        Integer code;
        String error;
        @MayBeAbsent List<Invalid> validationErrors;
    }

    static final Map<String, Class<?>> REPORTS =
            Map.ofEntries(
                    Map.entry("happiness", HappinessReport.class),
                    Map.entry("happiness/ratings", Ratings.class),
                    Map.entry("user", UserReport.class),
                    Map.entry("user/happiness", UserHappinessReport.class),
                    Map.entry("user/ratings", Ratings.class),
                    Map.entry("user/replies", RepliesReport.class),
                    Map.entry("user/customers-helped", CustomersReport.class),
                    Map.entry("user/resolutions", ResolutionsReport.class),
                    Map.entry("user/conversation-history", History.class),
                    Map.entry("conversations/new", NewConversationsReport.class),
                    Map.entry("conversations/received-messages", MessagesReport.class),
                    Map.entry("conversations/new-drilldown", Drilldown.class));

    /** A value of one type: the token it must be, and how its text must look. */
    static class Only<T> extends TypeAdapter<T> {
        final JsonToken token;
        final String form;
        final Function<String, T> made;

        Only(JsonToken token, String form, Function<String, T> made) {
            this.token = token;
            this.form = form;
            this.made = made;
        }

        @Override
        public T read(JsonReader reader) throws IOException {
            JsonToken found = reader.peek();
            String path = reader.getPath();
            if (found != token) {
                throw new JsonParseException(path + " is " + found + ", not " + token);
            }
            String text = reader.nextString();
            if (!text.matches(form)) {
                throw new JsonParseException(path + " is " + text);
            }
            return made.apply(text);
        }

        @Override
        public void write(JsonWriter writer, T value) throws IOException {
            if (value instanceof Date) {
                writer.value(dates().format(value));
            } else if (value instanceof String) {
                writer.value((String) value);
            } else {
                writer.value((Number) value);
            }
        }
    }

    /** As an adapter of a field, Gson lets it take null as well. */
    static class Text extends Only<String> {
        Text() {
            super(JsonToken.STRING, "(?s).*", text -> text);
        }
    }

    static final String WHOLE = "-?(0|[1-9][0-9]*)";
    static final String INSTANT = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ";

    static final Only<Date> INSTANTS =
            new Only<>(JsonToken.STRING, INSTANT, StrictClient::date);

    static final Gson STRICT =
            new GsonBuilder()
                    .registerTypeAdapter(Integer.class, number(WHOLE, Integer::valueOf))
                    .registerTypeAdapter(Long.class, number(WHOLE, Long::valueOf))
                    .registerTypeAdapter(Double.class, number(".*", Double::valueOf))
                    .registerTypeAdapter(Date.class, INSTANTS)
                    .registerTypeAdapter(String.class, new Text())
                    .create();

    static final JsonDeserializer<Date> DATES = (json, type, context) -> date(json.getAsString());
    static final Gson PLAIN = new GsonBuilder().registerTypeAdapter(Date.class, DATES).create();

    static <T> Only<T> number(String form, Function<String, T> made) {
        return new Only<>(JsonToken.NUMBER, form, made);
    }

    static SimpleDateFormat dates() {
        SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'");
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        format.setLenient(false);
        return format;
    }

    static Date date(String text) {
        ParsePosition position = new ParsePosition(0);
        Date date = dates().parse(text, position);
        if (date == null || position.getIndex() != text.length()) {
            throw new JsonParseException("no date: " + text);
        }
        return date;
    }

    /** Gson leaves a field empty whose key is missing. */
    static void checkComplete(Object value, String path) throws IllegalAccessException {
        if (value instanceof List) {
            for (Object each : (List<?>) value) {
                checkComplete(each, path + "[]");
            }
        }
        if (value == null || value.getClass().getEnclosingClass() != StrictClient.class) {
            return;
        }
        for (Class<?> type = value.getClass(); type != Object.class; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                Object found = field.get(value);
                if (found == null && !field.isAnnotationPresent(MayBeAbsent.class)) {
                    throw new JsonParseException(path + "." + field.getName() + " is missing");
                }
                checkComplete(found, path + "." + field.getName());
            }
        }
    }

    static Object decoded(String body, Class<?> type) throws IllegalAccessException {
        Object strict = STRICT.fromJson(body, type);
        checkComplete(strict, "$");
        if (!STRICT.toJson(PLAIN.fromJson(body, type)).equals(STRICT.toJson(strict))) {
            throw new JsonParseException("Gson as it comes reads something else");
        }
        return strict;
    }

    static class Asked {
        String report, query, body;
    }

    static class Input {
        String base_url, key;
        List<Asked> asked;
    }

    static class Output {
        Integer status;
        Object decoded;
        String refused;
    }

    static Output outcome(Input input, Asked asked) throws IOException, IllegalAccessException {
        Output output = new Output();
        String body = asked.body == null ? fetched(input, asked, output) : asked.body;
        boolean failed = output.status != null && output.status != 200;
        try {
            output.decoded = decoded(body, failed ? Failure.class : REPORTS.get(asked.report));
        } catch (JsonParseException | NumberFormatException error) {
            output.refused = error.getMessage();
        }
        return output;
    }

    static String fetched(Input input, Asked asked, Output output) throws IOException {
        URL url = new URL(input.base_url + "/" + asked.report + ".json?" + asked.query);
        HttpURLConnection connection = (HttpURLConnection) url.openConnection();
        byte[] credentials = (input.key + ":X").getBytes(StandardCharsets.UTF_8);
        String basic = "Basic " + Base64.getEncoder().encodeToString(credentials);
        connection.setRequestProperty("Authorization", basic);
        connection.setRequestProperty("Accept", "application/json");
        connection.setReadTimeout(60_000);
        output.status = connection.getResponseCode();
        boolean good = output.status < 400;
        try (InputStream stream = good ? connection.getInputStream() : connection.getErrorStream()) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    public static void main(String[] arguments) throws IOException, IllegalAccessException {
        InputStreamReader reader = new InputStreamReader(System.in, StandardCharsets.UTF_8);
        Input input = new Gson().fromJson(reader, Input.class);
        List<Output> outputs = new ArrayList<>();
        for (Asked asked : input.asked) {
            outputs.add(outcome(input, asked));
        }
        new PrintStream(System.out, true, StandardCharsets.UTF_8).println(STRICT.toJson(outputs));
    }
}
